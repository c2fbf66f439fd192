// See string_value.h.
#include "keyspace/string_value.h"

#include <algorithm>
#include <new>

#include "base/ref.h"

namespace millrace::keyspace {

namespace {

constexpr size_t kEmbeddedMax = 44;  // what Redis calls embstr
// A block that grows doubles, but by no more than this.
constexpr size_t kSpareMax = size_t{1} << 20;
// A block is written over, rather than replaced, if the text uses at least one part in so many of it.
constexpr size_t kUseMin = 2;

}  // namespace

// The bytes follow it.
struct StringValue::Block {
  explicit Block(size_t room) : capacity(room) {}

  static Block* make(size_t room) { return new (::operator new(sizeof(Block) + room)) Block(room); }
  char* data() { return reinterpret_cast<char*>(this + 1); }
  std::string_view text() { return {data(), size}; }
  void release() {
    if (!references.release()) return;
    this->~Block();
    ::operator delete(this);
  }

  ReferenceCount references;
  size_t size = 0;
  size_t capacity;
};

void StringValue::drop_block() {
  block()->release();
  form_ = Form::kInline;
}

StringValue StringValue::clone() const {
  StringValue copy;
  std::memcpy(static_cast<void*>(&copy), static_cast<const void*>(this), sizeof copy);
  if (form_ == Form::kBlock) block()->references.retain();
  return copy;
}

size_t StringValue::size() const {
  if (form_ == Form::kInline) return size_;
  if (form_ == Form::kBlock) return block()->size;
  char digits[kNumberTextMax];
  return format_i64(load<int64_t>(), digits);
}

std::string_view StringValue::text(Digits& digits) const {
  if (form_ == Form::kInline) return {bytes_, size_};
  if (form_ == Form::kBlock) return block()->text();
  return {digits.text, format_i64(load<int64_t>(), digits.text)};
}

std::optional<int64_t> StringValue::integer() const {
  if (form_ == Form::kInteger) return load<int64_t>();
  Digits unused;
  return parse_i64(text(unused));
}

void StringValue::assign(std::string_view text) {
  if (text.size() <= kNumberTextMax) {
    if (const std::optional<int64_t> integer = parse_i64(text)) return assign(*integer);
  }
  assign_text(text);
}

void StringValue::assign_text(std::string_view text) {
  is_edited_ = false;
  if (text.size() <= kInlineMax) {
    drop();
    form_ = Form::kInline;
    size_ = static_cast<uint8_t>(text.size());
    std::copy(text.begin(), text.end(), bytes_);
    return;
  }
  const bool fits = form_ == Form::kBlock && block()->references.is_unique() && block()->capacity >= text.size() &&
                    block()->capacity / kUseMin <= text.size();
  if (!fits) {
    drop();
    store(Block::make(text.size()));
    form_ = Form::kBlock;
  }
  std::copy(text.begin(), text.end(), block()->data());
  block()->size = text.size();
}

void StringValue::write(size_t offset, std::string_view text) {
  const size_t size_before = size();
  char* const data = make_writable(std::max(size_before, offset + text.size()));
  if (offset > size_before) std::fill(data + size_before, data + offset, '\0');
  std::copy(text.begin(), text.end(), data + offset);
  is_edited_ = true;
}

// Ours alone, of the size given, and as before as far as it was there.
char* StringValue::make_writable(size_t size) {
  if (form_ == Form::kInteger) {
    Digits digits;
    const std::string_view before = text(digits);
    form_ = Form::kInline;
    size_ = static_cast<uint8_t>(before.size());
    std::copy(before.begin(), before.end(), bytes_);
  }
  if (form_ == Form::kBlock || size > kInlineMax) return grow_block(size);
  size_ = static_cast<uint8_t>(size);
  return bytes_;
}

char* StringValue::grow_block(size_t size) {
  const bool fits = form_ == Form::kBlock && block()->references.is_unique() && block()->capacity >= size;
  if (!fits) {
    Digits unused;
    const std::string_view before = text(unused);
    Block* const grown = Block::make(size > before.size() ? size + std::min(size, kSpareMax) : size);
    std::copy(before.begin(), before.end(), grown->data());
    drop();
    store(grown);
    form_ = Form::kBlock;
  }
  block()->size = size;
  return block()->data();
}

std::string_view StringValue::encoding_name() const {
  if (form_ == Form::kInteger) return "int";
  return is_edited_ || size() > kEmbeddedMax ? "raw" : "embstr";
}

size_t StringValue::memory_bytes() const {
  return form_ == Form::kBlock ? sizeof(Block) + block()->capacity : 0;
}

}  // namespace millrace::keyspace
