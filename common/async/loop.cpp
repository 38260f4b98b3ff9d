#include "common/async/loop.hpp"

#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include "common/async/inbox.hpp"
#include "common/async/lookout.hpp"

namespace sluice {
namespace {

thread_local Loop* running = nullptr;

class Running {
 public:
  explicit Running(Loop* loop) : before_(std::exchange(running, loop)) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { running = before_; }

 private:
  Loop* before_;  // a simulation may turn one loop from inside another
};

}  // namespace

bool is_cancellation(const boost::system::system_error& error) {
  return error.code() == boost::asio::error::operation_aborted;
}

void throw_cancelled() {
  throw boost::system::system_error(boost::asio::error::operation_aborted, "cancelled");
}

Loop::Loop() : inbox_(std::make_unique<Inbox>(context_)), lookout_(std::make_unique<Lookout>(context_, *inbox_)) {}

Loop::~Loop() {
  ending_ = true;
  held_.reset();
  lookout_.reset();
  inbox_.reset();
  // A dropped coroutine is posted to the context for its end; the context destroys it unrun when it goes itself.
  for (auto* waiters : {&ready_, &suspended_}) {
    while (!waiters->empty()) {
      auto& waiter = waiters->front();
      waiters->pop_front();
      waiter.drop();
    }
  }
}

Loop& Loop::of(const Executor& executor) {
  // Every executor of ours comes from a Loop, and a Loop's context is always this type.
  return static_cast<Context&>(executor.context()).loop;
}

void Loop::post(Work work) {
  if (inbox_) inbox_->put(std::move(work));  // what the destructor takes down may still want something done
}

void Loop::stay_awake() {
  if (lookout_) lookout_->begin();
}

Loop* Loop::here() {
  return running;
}

void Loop::run() {
  const Running turn(this);
  context_.run();
  context_.restart();  // here and not before run(), so that a stop() which came first is kept
}

std::size_t Loop::run_ready() {
  const Running turn(this);
  const auto ran = context_.poll();
  context_.restart();
  return ran;
}

std::size_t Loop::run_one_ready() {
  const Running turn(this);
  const auto ran = context_.poll_one();
  context_.restart();
  return ran;
}

void Loop::stop() {
  context_.stop();
}

void Loop::hold() {
  if (!held_) held_.emplace(executor());
}

void Loop::release() {
  held_.reset();
}

void Loop::make_ready(Waiter& waiter) {
  waiter.detail::LoopHook::unlink();
  ready_.push_back(waiter);
  post_turn();
}

void Loop::post_turn() {
  if (std::exchange(turn_posted_, true)) return;
  boost::asio::post(context_, [this] { take_turn(); });
}

void Loop::take_turn() noexcept {
  for (std::size_t resumed = 0; resumed < resumes_max && !ready_.empty(); ++resumed) {
    auto& waiter = ready_.front();
    ready_.pop_front();
    waiter.resume();
  }
  turn_posted_ = false;
  if (!ready_.empty()) post_turn();
}

}  // namespace sluice
