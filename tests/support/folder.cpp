#include "tests/support/folder.hpp"

#include <cstdlib>
#include <string>
#include <system_error>

#include "common/base/ensure.hpp"

namespace sluice {

TempFolder::TempFolder() {
  auto name = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
  ENSURE(mkdtemp(name.data()) != nullptr, "no folder can be made under the system's temp folder");
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;  // a destructor has nobody to tell
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sluice
