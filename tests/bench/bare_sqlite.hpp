// SQLite without us: one connection, the same settings as our file's, prepared statements, explicit commits.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "common/base/ensure.hpp"

namespace sluice::bench {

class BareSqlite {
 public:
  explicit BareSqlite(const std::filesystem::path& path) {
    sqlite3* file = nullptr;
    ENSURE(sqlite3_open(path.c_str(), &file) == SQLITE_OK, "the bare file opens");
    file_.reset(file);
    run("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; "
        "PRAGMA journal_size_limit=67108864; PRAGMA secure_delete=FAST; PRAGMA cache_size=-32768; PRAGMA "
        "temp_store=MEMORY");
  }

  void make_record_table() {
    run("CREATE TABLE log_record (offset INTEGER PRIMARY KEY, partition_id INTEGER NOT NULL, at INTEGER NOT NULL, key "
        "BLOB, "
        "value BLOB, headers BLOB, crc INTEGER); CREATE INDEX log_record_by_partition ON log_record (partition_id)");
    prepare("INSERT INTO log_record (partition_id, at, key, value, headers, crc) VALUES (?, ?, ?, ?, ?, ?)");
  }
  void insert_record(int partition, std::string_view key, std::string_view value) {
    constexpr std::string_view headers =
        "\x01\x05"
        "ce_id\x11"
        "0123456789abcdef";
    sqlite3_bind_int64(insert_.get(), 1, partition);
    sqlite3_bind_int64(insert_.get(), 2, 1'790'000'000'000);
    bind(3, key);
    bind(4, value);
    bind(5, headers);
    sqlite3_bind_int64(insert_.get(), 6, 0xE3069283);
    step();
  }

  void make_point_table() {
    run("CREATE TABLE point (tenant TEXT NOT NULL, id TEXT NOT NULL, state INTEGER NOT NULL, note TEXT, PRIMARY KEY "
        "(tenant, id))");
    prepare("INSERT INTO point (tenant, id, state, note) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING");
  }
  void insert_point(std::string_view id, std::string_view note) {
    sqlite3_bind_text(insert_.get(), 1, "default", -1, SQLITE_STATIC);
    sqlite3_bind_text(insert_.get(), 2, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
    sqlite3_bind_int64(insert_.get(), 3, 1);
    sqlite3_bind_text(insert_.get(), 4, note.data(), static_cast<int>(note.size()), SQLITE_STATIC);
    step();
  }

  void begin() { run("BEGIN IMMEDIATE"); }
  void commit() { run("COMMIT"); }

 private:
  void run(const char* text) {
    ENSURE(sqlite3_exec(file_.get(), text, nullptr, nullptr, nullptr) == SQLITE_OK, "the bare statement runs");
  }
  void prepare(std::string_view text) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(file_.get(), text.data(), static_cast<int>(text.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    ENSURE(code == SQLITE_OK, "the bare statement is right");
    insert_.reset(statement);
  }
  void bind(int place, std::string_view bytes) {
    sqlite3_bind_blob(insert_.get(), place, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
  }
  void step() {
    ENSURE(sqlite3_step(insert_.get()) == SQLITE_DONE, "the bare row is written");
    sqlite3_reset(insert_.get());
  }

  struct CloseFile {
    void operator()(sqlite3* file) const { sqlite3_close(file); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3, CloseFile> file_;
  std::unique_ptr<sqlite3_stmt, Finalize> insert_;
};

}  // namespace sluice::bench
