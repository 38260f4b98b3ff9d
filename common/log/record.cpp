#include "common/log/record.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "common/base/crc32c.hpp"

namespace sluice::log {

// The block begins with this, then HeaderView[header_count], then the bytes that all views point to.
struct Record::Layout {
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::string_view damage;
  std::string_view raw_headers;
  std::size_t header_count = 0;

  [[nodiscard]] const HeaderView* headers() const {
    return std::launder(reinterpret_cast<const HeaderView*>(reinterpret_cast<const std::byte*>(this) + sizeof(Layout)));
  }
};

namespace {

std::size_t size_of(std::optional<std::string_view> text) {
  return text ? text->size() : 0;
}

class Writer {  // copies texts one behind the other and answers with views of the copies
 public:
  explicit Writer(std::byte* at) : at_(reinterpret_cast<char*>(at)) {}

  std::string_view copy(std::string_view text) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    const std::string_view copied{at_, text.size()};
    at_ += text.size();
    return copied;
  }
  std::optional<std::string_view> copy(std::optional<std::string_view> text) {
    if (!text) return std::nullopt;
    return copy(*text);
  }

 private:
  char* at_;
};

}  // namespace

Record::Record(const Parts& parts) : offset_(parts.offset), timestamp_(parts.timestamp) {
  static_assert(alignof(Layout) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__ && sizeof(Layout) % alignof(HeaderView) == 0);
  std::size_t text_bytes = size_of(parts.key) + size_of(parts.value) + parts.damage.size() + parts.raw_headers.size();
  for (const auto& header : parts.headers) text_bytes += header.name.size() + size_of(header.value);
  block_bytes_ = sizeof(Layout) + parts.headers.size() * sizeof(HeaderView) + text_bytes;
  block_ = std::make_unique_for_overwrite<std::byte[]>(block_bytes_);

  auto* layout = new (block_.get()) Layout;
  std::byte* headers = block_.get() + sizeof(Layout);
  Writer writer{headers + parts.headers.size() * sizeof(HeaderView)};
  layout->key = writer.copy(parts.key);
  layout->value = writer.copy(parts.value);
  layout->header_count = parts.headers.size();
  for (const auto& header : parts.headers) {
    new (headers) HeaderView{writer.copy(header.name), writer.copy(header.value)};
    headers += sizeof(HeaderView);
  }
  layout->damage = writer.copy(parts.damage);
  layout->raw_headers = writer.copy(parts.raw_headers);
}

const Record::Layout& Record::layout() const {
  return *std::launder(reinterpret_cast<const Layout*>(block_.get()));
}

std::optional<std::string_view> Record::key() const {
  return layout().key;
}
std::optional<std::string_view> Record::value() const {
  return layout().value;
}
std::span<const HeaderView> Record::headers() const {
  return {layout().headers(), layout().header_count};
}
std::string_view Record::damage() const {
  return layout().damage;
}
std::string_view Record::raw_headers() const {
  return layout().raw_headers;
}

std::optional<std::string_view> Record::header(std::string_view name) const {
  const auto all = headers();
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [name](const HeaderView& header) { return header.name == name; });
  if (found == all.rend()) return std::nullopt;
  return found->value;
}

namespace {

// Lengths are part of what is summed, so that moving a byte from the key to the value changes the sum.
std::uint32_t add_length(std::uint32_t sum, std::uint64_t length_plus_one_or_zero) {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(length_plus_one_or_zero >> (8 * i));
  return crc32c({bytes.data(), bytes.size()}, sum);
}

std::uint32_t add(std::uint32_t sum, std::optional<std::string_view> text) {
  if (!text) return add_length(sum, 0);
  return crc32c(*text, add_length(sum, text->size() + 1));
}

}  // namespace

std::uint32_t checksum(std::optional<std::string_view> key, std::optional<std::string_view> value,
                       std::span<const HeaderView> headers) {
  std::uint32_t sum = add(add(0, key), value);
  for (const auto& header : headers) sum = add(add(sum, header.name), header.value);
  return sum;
}

std::uint32_t checksum(const Outgoing& record) {
  std::uint32_t sum = add(add(0, record.key), record.value);
  for (const auto& header : record.headers) sum = add(add(sum, header.name), header.value);
  return sum;
}

}  // namespace sluice::log
