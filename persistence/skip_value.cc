// See skip_value.h.
#include "persistence/skip_value.h"

#include "persistence/rdb_format.h"

namespace millrace::persistence {
namespace {

// A value is `head`, and if `element` is not empty a length and so many times `element`. Letters:
//   s string   l length   8 eight bytes   f a number as text: its size, 253 to 255 meaning nan, inf and -inf
//   m the pieces of a module's value
struct Shape {
  uint8_t type;
  std::string_view name;
  std::string_view head;
  std::string_view element;
};

constexpr Shape kShapes[] = {
    {1, "list", "", "s"},      // linked list
    {2, "set", "", "s"},       // hash table
    {3, "zset", "", "sf"},     // scores as text
    {4, "hash", "", "ss"},     // hash table
    {5, "zset", "", "s8"},     // scores as binary
    {7, "module", "lm", ""},   // module id
    {9, "hash", "s", ""},      // zipmap
    {10, "list", "s", ""},     // ziplist
    {11, "set", "s", ""},      // intset
    {12, "zset", "s", ""},     // ziplist
    {13, "hash", "s", ""},     // ziplist
    {14, "list", "", "s"},     // quicklist of ziplists
    {16, "hash", "s", ""},     // listpack
    {17, "zset", "s", ""},     // listpack
    {18, "list", "", "ls"},    // quicklist: plain or packed, and the node
    {20, "set", "s", ""},      // listpack
    {22, "hash", "", "lss"},   // before 7.4 was released: time to live, field, value
    {23, "hash", "s", ""},     // before 7.4 was released: listpack
    {24, "hash", "8", "lss"},  // earliest expiry, then: time to live, field, value
    {25, "hash", "8s", ""},    // earliest expiry, listpack
};

const Shape* find_shape(uint8_t type) {
  for (const Shape& shape : kShapes) {
    if (shape.type == type) return &shape;
  }
  return nullptr;
}

constexpr uint8_t kTextNumberSpecial = 253;

void skip_pieces(ByteReader& in, std::string_view pieces) {
  for (const char piece : pieces) {
    if (piece == 's') in.skip_string();
    if (piece == 'l') in.length();
    if (piece == '8') in.skip(8);
    if (piece == 'm') skip_module_value(in);
    if (piece == 'f') {
      const uint8_t size = in.byte();
      if (size < kTextNumberSpecial) in.skip(size);
    }
  }
}

}  // namespace

std::string_view name_of_foreign_type(uint8_t type) {
  const Shape* const shape = find_shape(type);
  return shape == nullptr ? std::string_view() : shape->name;
}

void skip_value(ByteReader& in, uint8_t type) {
  const Shape* const shape = find_shape(type);
  if (shape == nullptr) return in.fail(RdbFault::kType);
  skip_pieces(in, shape->head);
  if (shape->element.empty()) return;
  const uint64_t count = in.length();
  for (uint64_t i = 0; i < count && in.ok(); ++i) skip_pieces(in, shape->element);
}

void skip_module_value(ByteReader& in) {
  enum : uint64_t { kEnd = 0, kSigned = 1, kUnsigned = 2, kFloat = 3, kDouble = 4, kString = 5 };
  while (in.ok()) {
    const uint64_t start = in.offset();
    switch (in.length()) {
      case kEnd:
        return;
      case kSigned:
      case kUnsigned:
        in.length();
        break;
      case kFloat:
        in.skip(sizeof(float));
        break;
      case kDouble:
        in.skip(sizeof(double));
        break;
      case kString:
        in.skip_string();
        break;
      default:
        return in.fail(RdbFault::kModule, start);
    }
  }
}

}  // namespace millrace::persistence
