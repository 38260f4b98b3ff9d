#include "common/process/data_folder.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace sluice {
namespace {

std::string_view word_of(DataFolder::Holder as) {
  return as == DataFolder::Holder::serving ? "serving" : "command";
}

Failure failure_of_system(std::string_view doing, const std::filesystem::path& path) {
  const int error = errno;
  const Kind kind =
      error == ENOSPC || error == EROFS || error == EDQUOT || error == EIO ? Kind::exhausted : Kind::denied;
  return Failure{kind, fmt::format("{} {}: {}", doing, path.string(), std::strerror(error))};
}

}  // namespace

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<DataFolder> DataFolder::open(std::filesystem::path path) {
  std::error_code failed;
  const bool made = std::filesystem::create_directories(path, failed);
  if (failed) {
    errno = failed.value();
    return fail(failure_of_system("SLUICE_DATA_DIR: cannot make the folder", path));
  }
  if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, failed);
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return fail(failure_of_system("SLUICE_DATA_DIR: cannot write into", path));
  return DataFolder{std::move(path)};
}

std::optional<DataFolder::HeldBy> DataFolder::held_by() const {
  const int descriptor = ::open(lock_file().c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  const FolderLock closes{descriptor};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return std::nullopt;
  std::ifstream file{lock_file()};
  HeldBy holder;
  std::string word;
  file >> holder.pid >> word;
  holder.as = word == word_of(Holder::command) ? Holder::command : Holder::serving;
  return holder;
}

Result<FolderLock> DataFolder::lock(Holder as) const {
  const int descriptor = ::open(lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail(failure_of_system("cannot open", lock_file()));
  FolderLock lock{descriptor};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const auto holder = held_by();
    return fail(
        Kind::conflict,
        fmt::format("the data folder {} is in use by process {} ({}): stop that one or set another SLUICE_DATA_DIR",
                    path_.string(), holder ? holder->pid : 0, word_of(holder ? holder->as : Holder::serving)));
  }
  const std::string content = fmt::format("{} {}\n", ::getpid(), word_of(as));
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, content.data(), content.size(), 0) < 0) {
    return fail(failure_of_system("cannot write", lock_file()));
  }
  return lock;
}

}  // namespace sluice
