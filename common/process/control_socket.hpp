// The Unix socket (0600) on which commands reach the serving process: it has the file open, so it does the work.
//
// The wire: one JSON line of the arguments in; JSON lines {"out":…}, {"err":…} out, the last one {"exit":n}.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/loop.hpp"
#include "common/async/scope.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"

namespace sluice {

// Where a command's answer goes: the terminal, or through the socket to one.
class Output {
 public:
  virtual ~Output() = default;
  virtual void out(std::string_view text) = 0;
  virtual void err(std::string_view text) = 0;
};

class ControlSocket {
 public:
  using Handler = std::function<Task<int>(std::vector<std::string> arguments, Output& output)>;

  static constexpr std::size_t request_bytes_max = std::size_t{1} << 20U;
  static constexpr std::size_t callers_max = 64;

  // Removes what a dead process left at `path`: call it only with the folder's lock held.
  static Result<std::unique_ptr<ControlSocket>> listen(Loop& loop, const std::filesystem::path& path, Handler handler);
  ~ControlSocket();

  Task<> close();  // no new callers; those under way are cancelled and waited for

 private:
  struct Listening;
  explicit ControlSocket(std::unique_ptr<Listening> listening);
  std::unique_ptr<Listening> listening_;
};

// The other end, blocking: a command has nothing else to do. Kind::unavailable when nobody listens.
Result<int> ask_serving_process(const std::filesystem::path& path, const std::vector<std::string>& arguments,
                                Output& output);

}  // namespace sluice
