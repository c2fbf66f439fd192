// See value.h.
#include "keyspace/value.h"

namespace millrace::keyspace {

namespace {

// What each type calls itself and its encoding.
struct Names {
  std::string_view type;
  std::string_view encoding;
};

Names names_of(const std::unique_ptr<streams::Stream>&) {
  return {"stream", "stream"};
}

}  // namespace

std::string_view Value::type_name() const {
  return std::visit([](const auto& held) { return names_of(held).type; }, state_);
}

std::string_view Value::encoding_name() const {
  return std::visit([](const auto& held) { return names_of(held).encoding; }, state_);
}

size_t Value::memory_bytes() const {
  return std::visit([](const auto& held) { return held->memory_bytes(); }, state_);
}

Value Value::clone() const {
  return std::visit([](const auto& held) { return Value(held->clone()); }, state_);
}

size_t Value::clone_bytes() const {
  return std::visit([](const auto& held) { return held->clone_bytes(); }, state_);
}

size_t Value::piece_count() const {
  return std::visit([](const auto& held) { return held->piece_count(); }, state_);
}

}  // namespace millrace::keyspace
