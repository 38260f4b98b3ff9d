// What every Prometheus client says of its process: CPU, memory, descriptors, threads, start.
#pragma once

#include <functional>

namespace prometheus {
class Registry;
}

namespace sluice {
void expose_process_figures(prometheus::Registry& registry,
                            const std::function<void(std::function<void()>)>& before_exposition);
}
