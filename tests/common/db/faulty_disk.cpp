#include "tests/common/db/faulty_disk.hpp"

#include <new>

#include "common/base/ensure.hpp"

namespace sluice::db {

// Ours first, the real file right behind it in the memory that SQLite provides.
struct FaultyDisk::File {
  sqlite3_file base;
  FaultyDisk* disk;
  bool is_wal;

  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&of(file) + 1); }
  static const sqlite3_io_methods& calls(sqlite3_file* file) { return *real(file)->pMethods; }
  static Faults& faults(sqlite3_file* file) { return of(file).is_wal ? of(file).disk->wal : of(file).disk->main; }

  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    if (const int code = faults(file).write; code != SQLITE_OK) return code;
    if (of(file).is_wal) of(file).disk->unsynced_wal_bytes += size;
    return calls(file).xWrite(real(file), bytes, size, at);
  }
  static int sync(sqlite3_file* file, int flags) {
    if (const int code = faults(file).sync; code != SQLITE_OK) return code;
    if (of(file).is_wal) of(file).disk->unsynced_wal_bytes = 0;
    return calls(file).xSync(real(file), flags);
  }
};

const sqlite3_io_methods FaultyDisk::methods = {
    .iVersion = 3,
    .xClose = [](sqlite3_file* file) { return File::calls(file).xClose(File::real(file)); },
    .xRead = [](sqlite3_file* file, void* to, int size,
                sqlite3_int64 at) { return File::calls(file).xRead(File::real(file), to, size, at); },
    .xWrite = &File::write,
    .xTruncate = [](sqlite3_file* file,
                    sqlite3_int64 size) { return File::calls(file).xTruncate(File::real(file), size); },
    .xSync = &File::sync,
    .xFileSize = [](sqlite3_file* file,
                    sqlite3_int64* size) { return File::calls(file).xFileSize(File::real(file), size); },
    .xLock = [](sqlite3_file* file, int lock) { return File::calls(file).xLock(File::real(file), lock); },
    .xUnlock = [](sqlite3_file* file, int lock) { return File::calls(file).xUnlock(File::real(file), lock); },
    .xCheckReservedLock = [](sqlite3_file* file,
                             int* out) { return File::calls(file).xCheckReservedLock(File::real(file), out); },
    .xFileControl = [](sqlite3_file* file, int what,
                       void* argument) { return File::calls(file).xFileControl(File::real(file), what, argument); },
    .xSectorSize = [](sqlite3_file* file) { return File::calls(file).xSectorSize(File::real(file)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* file) { return File::calls(file).xDeviceCharacteristics(File::real(file)); },
    .xShmMap = [](sqlite3_file* file, int page, int size, int extend,
                  void volatile** out) { return File::calls(file).xShmMap(File::real(file), page, size, extend, out); },
    .xShmLock = [](sqlite3_file* file, int offset, int count,
                   int flags) { return File::calls(file).xShmLock(File::real(file), offset, count, flags); },
    .xShmBarrier = [](sqlite3_file* file) { File::calls(file).xShmBarrier(File::real(file)); },
    .xShmUnmap = [](sqlite3_file* file, int remove) { return File::calls(file).xShmUnmap(File::real(file), remove); },
    .xFetch = [](sqlite3_file* file, sqlite3_int64 at, int size,
                 void** out) { return File::calls(file).xFetch(File::real(file), at, size, out); },
    .xUnfetch = [](sqlite3_file* file, sqlite3_int64 at,
                   void* page) { return File::calls(file).xUnfetch(File::real(file), at, page); },
};

int FaultyDisk::open(sqlite3_vfs* disk, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* self = static_cast<FaultyDisk*>(disk->pAppData);
  new (file) File{.base = {nullptr}, .disk = self, .is_wal = (flags & SQLITE_OPEN_WAL) != 0};
  const int code = self->real_->xOpen(self->real_, path, File::real(file), flags, out_flags);
  if (code == SQLITE_OK) file->pMethods = &methods;  // otherwise SQLite must not close it
  return code;
}

FaultyDisk::FaultyDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.szOsFile += static_cast<int>(sizeof(File));
  vfs_.zName = "faulty";
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.xOpen = &FaultyDisk::open;
  ENSURE(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK, "SQLite takes another file system");
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

}  // namespace sluice::db
