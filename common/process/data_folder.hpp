// The one folder of everything that must survive. The serving process locks it; a second one is refused by pid.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/result.hpp"

namespace sluice {

// Held as long as it lives; released by the system when the process dies.
class FolderLock {
 public:
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  friend class DataFolder;
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

class DataFolder {
 public:
  // Who holds or wants the lock. A command holds it only while it works on the file itself.
  enum class Holder : std::uint8_t { serving, command };

  // Makes the folder (0700) when it is absent.
  static Result<DataFolder> open(std::filesystem::path path);

  // Kind::conflict with a sentence that names the pid when somebody else holds it.
  [[nodiscard]] Result<FolderLock> lock(Holder as) const;

  struct HeldBy {
    int pid = 0;
    Holder as = Holder::serving;
  };
  [[nodiscard]] std::optional<HeldBy> held_by() const;  // none when nobody holds it now

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path database_file() const { return path_ / "sluice.db"; }
  [[nodiscard]] std::filesystem::path socket_file() const { return path_ / "sluice.sock"; }

 private:
  explicit DataFolder(std::filesystem::path path) : path_(std::move(path)) {}
  [[nodiscard]] std::filesystem::path lock_file() const { return path_ / "lock"; }

  std::filesystem::path path_;
};

}  // namespace sluice
