#include "common/telemetry/logger.hpp"

#include <cstdio>

namespace sluice {

Logger::Logger(const Clock& clock, std::string who, LoggerSettings settings, Sink sink)
    : clock_(clock), who_(std::move(who)), settings_(settings), sink_(std::move(sink)), level_(settings.level) {
  if (sink_) thread_ = std::thread{[this] { write_queued(); }};
}

Logger::~Logger() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  something_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Logger::write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  lines_[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  if (!sink_ || level < level_.load(std::memory_order_relaxed)) return;
  const auto in_form = settings_.format == LineFormat::json ? json_line : text_line;
  std::string line = in_form(clock_.wall(), level, who_, message, {fields.begin(), fields.size()}, settings_);
  line += '\n';
  {
    const std::lock_guard lock{mutex_};
    if (queue_.size() >= settings_.queue_lines_max) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    queue_.push_back(std::move(line));
    if (queue_.size() > 1) return;  // the writing thread has been woken for the first one
  }
  something_.notify_one();
}

void Logger::write_queued() {
  std::vector<std::string> taken;
  std::string lines;
  std::unique_lock lock{mutex_};
  while (true) {
    something_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    taken.swap(queue_);
    writing_ = true;
    lock.unlock();
    for (const auto& line : taken) lines += line;
    sink_(lines);
    taken.clear();
    lines.clear();
    lock.lock();
    writing_ = false;
    nothing_.notify_all();
  }
}

void Logger::flush() {
  std::unique_lock lock{mutex_};
  nothing_.wait(lock, [this] { return queue_.empty() && !writing_; });
}

std::uint64_t Logger::lines_of(Level level) const {
  return lines_[static_cast<std::size_t>(level)].load(std::memory_order_relaxed);
}

namespace {
Logger::Sink to(std::FILE* file) {
  return [file](std::string_view lines) {
    std::fwrite(lines.data(), 1, lines.size(), file);
    std::fflush(file);
  };
}
}  // namespace

Logger::Sink Logger::to_stdout() {
  return to(stdout);
}
Logger::Sink Logger::to_stderr() {
  return to(stderr);
}

}  // namespace sluice
