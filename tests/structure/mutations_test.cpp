// scripts/mutate makes its mistakes by replacing a text: it must still stand where it is said to.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace fs = std::filesystem;

TEST_CASE("every mistake that the simulation has to notice can still be made") {
  const fs::path root{SOURCE_FOLDER};
  std::ifstream list{root / "tests/simulation/mutations"};
  REQUIRE(list.good());
  int mistakes = 0;
  std::string sentence;
  while (std::getline(list, sentence)) {
    if (sentence.empty() || sentence.front() == '#') continue;
    std::string file;
    std::string from;
    std::string to;
    std::getline(list, file);
    std::getline(list, from);
    REQUIRE(std::getline(list, to));
    CAPTURE(sentence);
    std::ifstream source{root / file};
    std::stringstream text;
    text << source.rdbuf();
    CHECK(text.str().find(from) != std::string::npos);
    CHECK(from != to);
    ++mistakes;
  }
  CHECK(mistakes >= 15);
}
