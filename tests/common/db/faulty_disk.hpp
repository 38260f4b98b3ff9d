// An SQLite file system that fails on request and knows what has not been synced yet. Everything that is opened while
// it lives goes through it; open files must be closed before it goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include <sqlite3.h>

namespace sluice::db {

class FaultyDisk {
 public:
  FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  ~FaultyDisk();

  // SQLite's code with which the next calls fail; SQLITE_OK lets them through.
  struct Faults {
    std::atomic<int> write{SQLITE_OK};
    std::atomic<int> sync{SQLITE_OK};
  };
  Faults wal;   // the write-ahead log
  Faults main;  // the file itself

  std::atomic<std::int64_t> unsynced_wal_bytes{0};

 private:
  struct File;
  static int open(sqlite3_vfs* disk, const char* path, sqlite3_file* file, int flags, int* out_flags);
  static const sqlite3_io_methods methods;

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
};

}  // namespace sluice::db
