// The private HTTP listener: health, metrics, and later the operating API. Never on a public port: the library behind
// it is made for trusted callers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.hpp"
#include "common/process/readiness.hpp"
#include "common/telemetry/metrics.hpp"

namespace sluice {

class PrivateListener {
 public:
  // Port 0 takes any free one.
  static Result<std::unique_ptr<PrivateListener>> listen(const std::string& address, std::uint16_t port,
                                                         const Readiness& readiness, const Metrics& metrics);
  ~PrivateListener();  // stops and joins its threads

  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Server;
  explicit PrivateListener(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace sluice
