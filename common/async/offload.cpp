#include "common/async/offload.hpp"

#include <deque>

namespace sluice {

struct Offload::State {
  struct Jobs {
    std::deque<Work> queued;
    bool stopping = false;
  };

  std::size_t queue_max;
  Guarded<Jobs> jobs;
  std::vector<Thread> threads;
};

Offload::Offload(std::size_t threads, std::size_t queue_max, std::string name) : state_(std::make_unique<State>()) {
  state_->queue_max = queue_max;
  for (std::size_t i = 0; i < threads; ++i) state_->threads.emplace_back(name, [this] { serve(); });
}

Offload::~Offload() {
  stop();
}

void Offload::stop() {
  state_->jobs.change([](auto& jobs) { jobs.stopping = true; });
  state_->threads.clear();
}

Done Offload::take(Loop& loop, Work job) {
  Done taken;
  const bool on_the_loop = state_->threads.empty();
  state_->jobs.change([&](auto& jobs) {
    if (jobs.stopping) {
      taken = fail(Kind::stopping, "the worker threads are stopping");
    } else if (jobs.queued.size() >= state_->queue_max) {
      taken = fail(Kind::overloaded, "the queue before the worker threads is full");
    } else if (!on_the_loop) {
      jobs.queued.push_back(std::move(job));
    }
  });
  if (taken && on_the_loop) loop.post(std::move(job));
  return taken;
}

void Offload::serve() {
  for (;;) {
    auto job = state_->jobs.wait([](const auto& jobs) { return jobs.stopping || !jobs.queued.empty(); },
                                 [](auto& jobs) {
                                   if (jobs.queued.empty()) return Work{};
                                   auto first = std::move(jobs.queued.front());
                                   jobs.queued.pop_front();
                                   return first;
                                 });
    if (!job) return;
    job();
  }
}

}  // namespace sluice
