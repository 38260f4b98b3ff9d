#include "common/process/data_folder.hpp"

#include <csignal>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/folder.hpp"

using namespace sluice;

TEST_CASE("the folder is made for its owner alone") {
  const TempFolder temp;
  const auto folder = DataFolder::open(temp / "deep/data");

  REQUIRE(folder);
  struct stat found{};
  REQUIRE(::stat((temp / "deep/data").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0700U);
}

TEST_CASE("a second serving process is refused with a sentence that names the pid") {
  const TempFolder temp;
  const auto folder = DataFolder::open(temp / "data");
  REQUIRE(folder);
  const auto lock = folder->lock(DataFolder::Holder::serving);
  REQUIRE(lock);

  const auto second = folder->lock(DataFolder::Holder::serving);

  REQUIRE_FALSE(second);
  CHECK(second.error().kind == Kind::conflict);
  CHECK(second.error().sentence.find(std::to_string(::getpid()) + " (serving)") != std::string::npos);
  REQUIRE(folder->held_by());
  CHECK(folder->held_by()->pid == ::getpid());
  CHECK(folder->held_by()->as == DataFolder::Holder::serving);
}

TEST_CASE("a released lock can be taken by a command and says so") {
  const TempFolder temp;
  const auto folder = DataFolder::open(temp / "data");
  REQUIRE(folder);
  {
    REQUIRE(folder->lock(DataFolder::Holder::serving));
  }
  CHECK_FALSE(folder->held_by());

  const auto lock = folder->lock(DataFolder::Holder::command);

  REQUIRE(lock);
  CHECK(folder->held_by()->as == DataFolder::Holder::command);
}

TEST_CASE("the lock of a killed process is free") {
  const TempFolder temp;
  const auto folder = DataFolder::open(temp / "data");
  REQUIRE(folder);
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = folder->lock(DataFolder::Holder::serving);
    const char answer = lock ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK_FALSE(folder->lock(DataFolder::Holder::serving));

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);

  CHECK(folder->lock(DataFolder::Holder::serving));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a folder that cannot be made is one sentence with the setting's name") {
  const TempFolder temp;
  std::ofstream{temp / "file"} << "x";

  const auto folder = DataFolder::open(temp / "file/data");

  REQUIRE_FALSE(folder);
  CHECK(folder.error().sentence.starts_with("SLUICE_DATA_DIR: cannot make the folder"));
}
