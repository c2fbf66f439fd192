// See value.h.
#include "keyspace/value.h"

namespace millrace::keyspace {

std::string_view Value::type_name() const {
  return string() ? "string" : "stream";
}

std::string_view Value::encoding_name() const {
  return string() ? string()->encoding_name() : "stream";
}

size_t Value::memory_bytes() const {
  return string() ? string()->memory_bytes() : stream()->memory_bytes();
}

Value Value::clone() const {
  return string() ? Value(string()->clone()) : Value(stream()->clone());
}

size_t Value::clone_bytes() const {
  return string() ? string()->memory_bytes() : stream()->clone_bytes();
}

size_t Value::piece_count() const {
  return string() ? 0 : stream()->piece_count();
}

}  // namespace millrace::keyspace
