// The process's own terminal as a command's Output.
#pragma once

#include <cstdio>
#include <string_view>

#include "common/process/control_socket.hpp"

namespace sluice::ops {

class ProcessOutput final : public Output {
 public:
  void out(std::string_view text) override { write(stdout, text); }
  void err(std::string_view text) override { write(stderr, text); }

 private:
  static void write(std::FILE* file, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
  }
};

}  // namespace sluice::ops
