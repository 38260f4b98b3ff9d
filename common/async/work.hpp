// A thing to do once: like std::function<void()>, but it takes what can only be moved and keeps small captures inline.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace sluice {

class Work {
 public:
  Work() = default;
  Work(Work&& other) noexcept { take(other); }
  Work& operator=(Work&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  ~Work() { clear(); }

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Work> && std::is_invocable_v<std::decay_t<F>&>)
  Work(F&& function) {  // NOLINT(google-explicit-constructor): a lambda is a Work, as it is a std::function
    using Function = std::decay_t<F>;
    if constexpr (fits_inline<Function>) {
      ::new (static_cast<void*>(place_)) Function(std::forward<F>(function));
      kind_ = &inline_kind<Function>;
    } else {
      ::new (static_cast<void*>(place_)) Function*(new Function(std::forward<F>(function)));
      kind_ = &heap_kind<Function>;
    }
  }

  void operator()() { kind_->call(place_); }
  [[nodiscard]] explicit operator bool() const { return kind_ != nullptr; }

 private:
  static constexpr std::size_t inline_bytes = 48;

  struct Kind {
    void (*call)(void* place);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void* place) noexcept;
  };

  template <class F>
  static constexpr bool fits_inline =
      sizeof(F) <= inline_bytes && alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;

  template <class F>
  static constexpr Kind inline_kind{
      [](void* place) { (*static_cast<F*>(place))(); },
      [](void* from, void* to) noexcept {
        ::new (to) F(std::move(*static_cast<F*>(from)));
        static_cast<F*>(from)->~F();
      },
      [](void* place) noexcept { static_cast<F*>(place)->~F(); },
  };

  template <class F>
  static constexpr Kind heap_kind{
      [](void* place) { (**static_cast<F**>(place))(); },
      [](void* from, void* to) noexcept { ::new (to) F*(*static_cast<F**>(from)); },
      [](void* place) noexcept { delete *static_cast<F**>(place); },
  };

  void take(Work& other) noexcept {
    kind_ = std::exchange(other.kind_, nullptr);
    if (kind_ != nullptr) kind_->move(other.place_, place_);
  }
  void clear() noexcept {
    if (kind_ != nullptr) std::exchange(kind_, nullptr)->destroy(place_);
  }

  const Kind* kind_ = nullptr;
  alignas(std::max_align_t) std::byte place_[inline_bytes];
};

}  // namespace sluice
