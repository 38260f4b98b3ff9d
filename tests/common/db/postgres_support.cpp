#include "tests/common/db/postgres_support.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "common/async/scope.hpp"

namespace sluice::db {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr)
    throw std::runtime_error(fmt::format("{} is not set; run the tests through scripts/test", name));
  return value;
}

// Unique among the processes of this machine and within this one.
std::string own_name() {
  static std::atomic<int> made{0};
  return fmt::format("t{}_{}", getpid(), ++made);
}

}  // namespace

std::string postgres_url_of_tests() {
  return variable("TEST_POSTGRES");
}

std::string postgres_url_of_storms() {
  return variable("TEST_POSTGRES_STORM");
}

std::string with_database(const std::string& url, std::string_view database) {
  const auto path = url.find('/', url.find("://") + 3);
  const auto query = url.find('?', path);
  return fmt::format("{}/{}{}", url.substr(0, path), database, query == std::string::npos ? "" : url.substr(query));
}

std::string with_parameter(const std::string& url, std::string_view parameter) {
  return fmt::format("{}{}{}", url, url.find('?') == std::string::npos ? '?' : '&', parameter);
}

PostgresAdmin::PostgresAdmin(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(fmt::format("{}; run the tests through scripts/test", PQerrorMessage(connection_.get())));
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
}

std::vector<std::vector<std::string>> PostgresAdmin::ask(const std::string& sql) {
  const PgResult result{PQexec(connection_.get(), sql.c_str())};
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(PQresultErrorMessage(result.get()));
  std::vector<std::vector<std::string>> rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    auto& fields = rows.emplace_back();
    for (int field = 0; field < PQnfields(result.get()); ++field)
      fields.emplace_back(PQgetvalue(result.get(), row, field));
  }
  return rows;
}

std::string PostgresAdmin::ask_one(const std::string& sql) {
  const auto rows = ask(sql);
  return rows.empty() ? std::string{} : rows.front().front();
}

void PostgresAdmin::wait_until(const std::string& sql) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (ask_one(sql) != "t") {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("it never became true: " + sql);
  }
}

FreshDatabase::FreshDatabase(std::string server_url)
    : server_url_(std::move(server_url)), name_(own_name()), url_(with_database(server_url_, name_)) {
  PostgresAdmin{server_url_}.ask("CREATE DATABASE " + name_);
}

FreshDatabase::~FreshDatabase() {
  try {
    PostgresAdmin{server_url_}.ask(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "the database %s could not be dropped: %s\n", name_.c_str(), failure.what());
  }
}

const FreshDatabase& database_of_tests() {
  static const FreshDatabase database{postgres_url_of_tests()};
  return database;
}

FreshSchema::FreshSchema(std::string database_url)
    : database_url_(std::move(database_url)),
      name_(own_name()),
      url_(with_parameter(database_url_, fmt::format("options=-csearch_path%3D{}", name_))) {
  PostgresAdmin{database_url_}.ask("CREATE SCHEMA " + name_);
}

FreshSchema::~FreshSchema() {
  try {
    PostgresAdmin{database_url_}.ask(fmt::format("DROP SCHEMA {} CASCADE", name_));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "the schema %s could not be dropped: %s\n", name_.c_str(), failure.what());
  }
}

PrivatePostgres::PrivatePostgres() : name_(own_name()) {
  start();
}

PrivatePostgres::~PrivatePostgres() {
  try {
    call("stop");
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "the server %s could not be stopped: %s\n", name_.c_str(), failure.what());
  }
}

void PrivatePostgres::restart() {
  call("restart");
}

void PrivatePostgres::kill() {
  call("kill");
}

void PrivatePostgres::start() {
  constexpr std::string_view prefix = "DATABASE_URL=";
  const auto said = call("start");
  const auto begin = said.find(prefix) + prefix.size();
  url_ = said.substr(begin, said.find('\n', begin) - begin);
}

std::string PrivatePostgres::call(const std::string& verb) {
  const auto command = fmt::format("'{}/postgres' {} --name {}", variable("TEST_SCRIPTS"), verb, name_);
  struct Close {
    void operator()(FILE* pipe) const { pclose(pipe); }
  };
  std::unique_ptr<FILE, Close> pipe{popen(command.c_str(), "r")};
  if (!pipe) throw std::runtime_error("could not run: " + command);
  std::string said;
  std::array<char, 256> piece{};
  while (std::fgets(piece.data(), static_cast<int>(piece.size()), pipe.get()) != nullptr) said += piece.data();
  if (pclose(pipe.release()) != 0) throw std::runtime_error("failed: " + command);
  return said;
}

PostgresWorld::PostgresWorld(const std::string& database_url, PostgresSettings settings)
    : schema(database_url), admin(schema.url()), db(open(std::move(settings))) {}

std::unique_ptr<PostgresDatabase> PostgresWorld::open(PostgresSettings settings) {
  if (settings.url.empty()) settings.url = schema.url();
  settings.application_name = schema.name();
  auto opened = PostgresDatabase::open(loop, clock, random, settings);
  if (!opened) throw std::runtime_error(opened.error().sentence);
  return std::move(*opened);
}

Task<> detail::run_together(Loop& loop, std::vector<Task<>> tasks) {
  Scope scope{loop};
  for (auto& task : tasks) scope.start(std::move(task));
  auto joining = scope.join();
  co_await std::move(joining);
}

}  // namespace sluice::db
