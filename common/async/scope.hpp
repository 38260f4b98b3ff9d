// Structured children: a scope waits for what it started. On one loop's thread.
//
//   Scope scope{loop};
//   scope.start(read(connection));
//   scope.start(write(connection));
//   co_await scope.join();
#pragma once

#include <cstddef>
#include <memory>

#include "common/async/loop.hpp"
#include "common/async/task.hpp"

namespace sluice {

class Scope {
 public:
  explicit Scope(Loop& loop);
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // A scope with running children must not be destroyed: they would outlive what they refer to. So join() stands on
  // every way out; a body that can throw between start() and join() belongs into run().
  ~Scope();

  // The child begins in the next turn of the loop, never inside this call. Children may start more children. In a
  // cancelled scope nothing begins: the task is dropped with its arguments.
  void start(Task<> task);

  // Reaches the innermost operation of every child, which throws operation_aborted there. A child that has not begun
  // never begins. The scope stays cancelled until a join() has returned.
  void cancel();

  // Waits until no child is left, then rethrows the first exception of a child that was no cancellation. When the
  // joining task is cancelled, the children are, and it still waits for them before it throws.
  Task<> join();

  // Starts `body` as a child and joins. When the body fails, the other children are cancelled. It returns only when the
  // body ended well: a body that was cancelled, or never begun because the scope was, throws operation_aborted here.
  Task<> run(Task<> body);

  [[nodiscard]] std::size_t size() const;  // children that have not ended

 private:
  struct State;
  struct Child;
  struct Joiner;

  Task<> note_the_end(Task<> body, bool& ended_well);

  std::shared_ptr<State> state_;  // children hold it too: when the loop is destroyed, they may go after the scope
};

}  // namespace sluice
