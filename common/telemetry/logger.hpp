// Log lines: an event and its fields. Written by a thread of their own from a bounded queue; what does not fit is
// counted, never waited for. JSON lines for machines, readable lines for a terminal.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "common/async/clock.hpp"

namespace sluice {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class LineFormat : std::uint8_t { json, text };

std::string_view name_of(Level level);

// A field of a line. There is no conversion from Secret, an address of a person or a body: what must be masked says so.
struct Field {
  using Value = std::variant<std::string, std::int64_t, double, bool>;

  Field(std::string_view field_name, std::string_view text) : name(field_name), value(std::string{text}) {}
  Field(std::string_view field_name, const char* text) : name(field_name), value(std::string{text}) {}
  Field(std::string_view field_name, const std::string& text) : name(field_name), value(text) {}
  Field(std::string_view field_name, bool truth) : name(field_name), value(truth) {}
  Field(std::string_view field_name, double number) : name(field_name), value(number) {}
  template <std::integral Number>
  Field(std::string_view field_name, Number number) : name(field_name), value(static_cast<std::int64_t>(number)) {}

  std::string_view name;  // a literal
  Value value;
};

struct LoggerSettings {
  Level level = Level::info;
  LineFormat format = LineFormat::json;
  std::size_t queue_lines_max = 8192;
  std::size_t line_bytes_max = 8192;  // a longer line is cut, and says so
  std::size_t field_bytes_max = 2048;
};

class Logger {
 public:
  using Sink = std::function<void(std::string_view lines)>;  // on the writing thread, whole lines

  // `who` is in every line: the process ("up", "ingress", "worker") and its pools. Without a sink lines are counted and
  // no thread is started.
  Logger(const Clock& clock, std::string who, LoggerSettings settings, Sink sink);
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  ~Logger();  // writes what is queued

  [[nodiscard]] static Sink to_stdout();
  [[nodiscard]] static Sink to_stderr();

  // From any thread. `message` is constant text: what varies is a field.
  void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});
  void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) { write(Level::info, message, fields); }
  void warn(std::string_view message, std::initializer_list<Field> fields = {}) { write(Level::warn, message, fields); }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
  }

  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }
  void flush();  // returns when everything written before is with the sink

  [[nodiscard]] std::uint64_t lines_of(Level level) const;
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void write_queued();

  const Clock& clock_;
  const std::string who_;
  const LoggerSettings settings_;
  const Sink sink_;
  std::atomic<Level> level_;
  std::array<std::atomic<std::uint64_t>, 4> lines_{};
  std::atomic<std::uint64_t> dropped_{0};

  std::mutex mutex_;
  std::condition_variable something_;
  std::condition_variable nothing_;
  std::vector<std::string> queue_;
  bool writing_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// One line without its end; the form that golden files and tests read.
std::string json_line(WallTime at, Level level, std::string_view who, std::string_view message,
                      std::span<const Field> fields, const LoggerSettings& bounds);
std::string text_line(WallTime at, Level level, std::string_view who, std::string_view message,
                      std::span<const Field> fields, const LoggerSettings& bounds);

// Quotes, escapes control characters and replaces what is not UTF-8; cut at `bytes_max` on a character's edge.
void append_json_text(std::string& to, std::string_view text, std::size_t bytes_max);

}  // namespace sluice
