// Our own mistakes end the process, in release too: a wrong state must not write anything more.
#pragma once

namespace sluice {
[[noreturn]] void broken_promise(const char* what, const char* file, int line);
}

#define ENSURE(condition, what)                           \
  do {                                                    \
    if (!(condition)) [[unlikely]]                        \
      ::sluice::broken_promise(what, __FILE__, __LINE__); \
  } while (false)
