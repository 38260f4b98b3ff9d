// The link graph is the arrow diagram: who includes a folder links its library, and outside libraries have one door
// each.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace fs = std::filesystem;

namespace {

const fs::path root{SOURCE_FOLDER};

struct Include {
  std::string from;  // a file, relative to the root
  std::string what;
  bool quoted = false;
};

std::string read(const fs::path& path) {
  std::ifstream file{path};
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<fs::path> files_below(const std::vector<std::string>& folders, const std::set<std::string>& endings) {
  std::vector<fs::path> found;
  for (const auto& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator{root / folder}) {
      const bool wanted =
          endings.contains(entry.path().extension().string()) || endings.contains(entry.path().filename().string());
      if (entry.is_regular_file() && wanted) found.push_back(fs::relative(entry.path(), root));
    }
  }
  return found;
}

std::vector<Include> includes_in(const std::string& from, const std::string& text) {
  static const std::regex pattern{R"re(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])re"};
  std::vector<Include> found;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (line.find('#') == std::string::npos || !std::regex_search(line, parts, pattern)) continue;
    found.push_back({from, parts[2].str(), parts[1].str() == "\""});
  }
  return found;
}

std::string folder_of(const std::string& file) {
  return fs::path{file}.parent_path().string();
}

// Folder -> library and library -> libraries that it links, read from the CMakeLists by hand-written rules of this
// project.
struct Graph {
  std::map<std::string, std::set<std::string>> libraries_of;  // folder -> its libraries and programs
  std::map<std::string, std::set<std::string>> links;

  void add(const std::string& folder, const std::string& text) {
    static const std::regex call{R"re((sluice_library|sluice_program)\(([^)]*)\))re"};
    const std::string clean = std::regex_replace(text, std::regex{"#[^\n]*"}, "");
    for (std::sregex_iterator at{clean.begin(), clean.end(), call}, end; at != end; ++at) {
      std::istringstream words{(*at)[2].str()};
      std::string name;
      words >> name;
      libraries_of[folder].insert(name);
      for (std::string word; words >> word;) {
        if (word.starts_with("sluice_")) links[name].insert(word);
      }
    }
  }

  [[nodiscard]] bool reaches(const std::string& from, const std::string& to) const {
    std::set<std::string> seen;
    std::vector<std::string> open{from};
    while (!open.empty()) {
      const auto here = open.back();
      open.pop_back();
      if (here == to) return true;
      if (!seen.insert(here).second) continue;
      if (const auto next = links.find(here); next != links.end())
        open.insert(open.end(), next->second.begin(), next->second.end());
    }
    return false;
  }

  [[nodiscard]] bool allows(const std::string& folder, const std::string& other) const {
    const auto from = libraries_of.find(folder);
    const auto to = libraries_of.find(other);
    if (from == libraries_of.end() || to == libraries_of.end()) return false;
    return std::all_of(from->second.begin(), from->second.end(), [&](const std::string& one) {
      return std::any_of(to->second.begin(), to->second.end(),
                         [&](const std::string& target) { return reaches(one, target); });
    });
  }
};

const std::vector<std::string> sources{"common", "ingress", "workers", "ops"};

Graph graph_of_the_project() {
  Graph graph;
  for (const auto& file : files_below(sources, {"CMakeLists.txt"}))
    graph.add(file.parent_path().string(), read(root / file));
  return graph;
}

std::vector<std::string> against_the_arrows(const Graph& graph, const std::vector<Include>& includes) {
  std::vector<std::string> wrong;
  for (const auto& include : includes) {
    const auto from = folder_of(include.from);
    const auto to = folder_of(include.what);
    if (include.quoted && from != to && !graph.allows(from, to))
      wrong.push_back(include.from + " includes " + include.what);
  }
  return wrong;
}

// An outside library: what its headers are called, and the only places that may include it.
struct Door {
  std::string headers;
  std::string allowed;
};
const std::vector<Door> doors{
    {R"(^(librdkafka/)?rdkafka)", R"(^common/log/kafka_)"},
    {R"(^curl/)", R"(^common/http/)"},
    {R"(^(postgresql/)?libpq)", R"(^common/db/postgres_)"},
    {R"(^sqlite3\.h)", R"(^common/(db|log)/)"},
    {R"(^httplib\.h)", R"(^(common/process/private_listener\.cpp|ops/sandbox/))"},
    {R"(^prometheus/)", R"(^common/telemetry/)"},
    {R"(^simdjson)", R"(^common/event/)"},
    {R"(^CLI/)", R"(^ops/)"},
    {R"(^boost/beast)", R"(^ingress/)"},
};

std::vector<std::string> through_the_wall(const std::vector<Include>& includes) {
  std::vector<std::string> wrong;
  for (const auto& door : doors) {
    const std::regex headers{door.headers}, allowed{door.allowed};
    for (const auto& include : includes) {
      if (std::regex_search(include.what, headers) && !std::regex_search(include.from, allowed))
        wrong.push_back(include.from + " includes " + include.what);
    }
  }
  return wrong;
}

std::vector<Include> includes_of_the_project() {
  std::vector<Include> all;
  for (const auto& file : files_below(sources, {".hpp", ".cpp"})) {
    const auto found = includes_in(file.string(), read(root / file));
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("no include goes against the arrows") {
  const auto includes = includes_of_the_project();
  const auto wrong = against_the_arrows(graph_of_the_project(), includes);

  CHECK(includes.size() > 100);
  CHECK_MESSAGE(wrong.empty(), joined(wrong));
}

TEST_CASE("an include against an arrow is found") {
  Graph graph;
  graph.add("common/base", "sluice_library(sluice_base SOURCES a.cpp)");
  graph.add("common/log", "sluice_library(sluice_log SOURCES a.cpp USES sluice_base)");

  CHECK(against_the_arrows(graph, {{"common/log/a.cpp", "common/base/b.hpp", true}}).empty());
  CHECK(against_the_arrows(graph, {{"common/base/a.cpp", "common/log/b.hpp", true}}).size() == 1);
  CHECK(against_the_arrows(graph, {{"common/base/a.cpp", "common/unknown/b.hpp", true}}).size() == 1);
}

TEST_CASE("the link graph has no circle and pools do not know each other") {
  const Graph graph = graph_of_the_project();

  for (const auto& [one, links] : graph.links) {
    for (const auto& other : links) CHECK_MESSAGE(!graph.reaches(other, one), one << " and " << other);
  }
  const std::vector<std::string> pools{"dedup", "classify", "crm", "send"};
  for (const auto& one : pools) {
    for (const auto& other : pools) CHECK((one == other || !graph.allows("workers/" + one, "workers/" + other)));
  }
}

TEST_CASE("each outside library is included through its one door") {
  const auto wrong = through_the_wall(includes_of_the_project());

  CHECK_MESSAGE(wrong.empty(), joined(wrong));
  CHECK(through_the_wall({{"ops/main.cpp", "librdkafka/rdkafka.h", false}}).size() == 1);
  CHECK(through_the_wall({{"common/log/kafka_log.cpp", "librdkafka/rdkafka.h", false}}).empty());
}

namespace {

// The first of these words that a text says as a word of its own.
std::string said_of(const std::vector<std::string>& words, const std::string& text) {
  const auto belongs_to_a_name = [](char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) || byte == '_';
  };
  for (const auto& word : words) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
      if (at == 0 || !belongs_to_a_name(text[at - 1])) return word;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("only common async asks the system for the time or a pause or chance") {
  const std::vector<std::string> asks{"system_clock::now", "steady_clock::now", "high_resolution_clock::now",
                                      "clock_gettime",     "gettimeofday",      "this_thread::sleep",
                                      "usleep(",           "::sleep(",          "nanosleep(",
                                      "random_device",     "mt19937",           "rand()"};
  std::vector<std::string> wrong;
  for (const auto& file : files_below(sources, {".hpp", ".cpp"})) {
    if (file.string().starts_with("common/async/")) continue;
    if (const auto said = said_of(asks, read(root / file)); !said.empty())
      wrong.push_back(file.string() + " says " + said);
  }
  CHECK_MESSAGE(wrong.empty(), joined(wrong));
  CHECK(said_of(asks, "const auto now = std::chrono::steady_clock::now();") == "steady_clock::now");
  CHECK(said_of(asks, "my_operand(); pausing.sleep_for(1s); go_to_sleep(); Pausing::sleep(lane);").empty());
}

TEST_CASE("every folder of sources says what it is for") {
  for (const auto& file : files_below(sources, {"CMakeLists.txt"})) {
    if (file.parent_path() == "common") continue;
    CHECK_MESSAGE(fs::exists(root / file.parent_path() / "README.md"), file.parent_path().string());
  }
}
