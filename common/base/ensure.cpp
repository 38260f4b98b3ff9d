#include "common/base/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void broken_promise(const char* what, const char* file, int line) {
  std::fprintf(stderr, "{\"level\":\"fatal\",\"message\":\"broken promise: %s\",\"at\":\"%s:%d\"}\n", what, file, line);
  std::abort();
}

}  // namespace sluice
