#include "common/async/offload.hpp"

#include <deque>

namespace sluice {

struct Offload::State {
  struct Jobs {
    std::deque<Work> queued;
    bool stopping = false;
  };

  explicit State(std::size_t its_queue_max) : queue_max(its_queue_max) {}

  static Work take_first(Jobs& jobs) {
    if (jobs.queued.empty()) return {};
    auto first = std::move(jobs.queued.front());
    jobs.queued.pop_front();
    return first;
  }

  bool run_one() {
    auto job = jobs.with(take_first);
    if (job) job();
    return static_cast<bool>(job);
  }

  void serve() {  // a thread's life
    for (;;) {
      auto job = jobs.wait([](const Jobs& now) { return now.stopping || !now.queued.empty(); }, take_first);
      if (!job) return;
      job();
    }
  }

  const std::size_t queue_max;
  Guarded<Jobs> jobs;
};

Offload::Offload(std::size_t threads, std::size_t queue_max, const std::string& name)
    : state_(std::make_shared<State>(queue_max)) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back(name, [this] { state_->serve(); });
}

Offload::~Offload() {
  stop();
}

void Offload::stop() {
  state_->jobs.change([](auto& jobs) { jobs.stopping = true; });
  threads_.clear();
  while (state_->run_one()) {  // without threads nobody else does
  }
}

Done Offload::take(Loop& loop, Work job) {
  const auto queue = [&](State::Jobs& jobs) -> Done {
    if (jobs.stopping) return fail(Kind::stopping, "the worker threads are stopping");
    if (jobs.queued.size() >= state_->queue_max)
      return fail(Kind::overloaded, "the worker threads have too much to do");
    jobs.queued.push_back(std::move(job));
    return {};
  };
  if (!threads_.empty()) return state_->jobs.change_for_one(queue);
  auto queued = state_->jobs.with(queue);
  if (queued) loop.post([state = state_] { state->run_one(); });
  return queued;
}

}  // namespace sluice
