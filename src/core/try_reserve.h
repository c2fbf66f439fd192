// Making room where the amount is up to a client and there may not be memory for it: the client is closed then, and the
// server goes on.
#pragma once

#include <cstddef>
#include <new>

#include "base/buffer.h"

namespace millrace::core {

// False, and nothing changed, if there is no memory for so many bytes more.
inline bool try_reserve(Buffer& buffer, size_t count) {
  try {
    buffer.reserve(count);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace millrace::core
