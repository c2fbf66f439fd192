// See node_block.h.
#include "streams/node_block.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"
#include "streams/listpack.h"

namespace millrace::streams {

static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ % 16 == 0, "places are told from what was allocated by the address");

Ref<NodeBlock> NodeBlock::make(size_t places, size_t size) {
  DCHECK(fits(size));
  const size_t room = std::min(places, kBytesMax) * place_bytes(size);
  const size_t bytes = std::min(size_class(kHeaderBytes + room), kBytesMax);
  return Ref<NodeBlock>::adopt(new (::operator new(bytes)) NodeBlock(bytes));
}

void* NodeBlock::take(size_t size) {
  DCHECK(has_room(size));
  const uint32_t used_bytes = used_bytes_.load(kRelaxed);
  uint8_t* const begin = reinterpret_cast<uint8_t*>(this) + used_bytes;
  const NodeBlock* const block = this;
  std::memcpy(begin, &block, sizeof block);
  used_bytes_.store(used_bytes + static_cast<uint32_t>(place_bytes(size)), kRelaxed);
  places_.store(places() + 1, kRelaxed);
  retain();
  return begin + sizeof block;
}

NodeBlock* NodeBlock::of(const void* place) {
  if (reinterpret_cast<uintptr_t>(place) % 16 == 0) return nullptr;
  NodeBlock* block;
  std::memcpy(&block, static_cast<const uint8_t*>(place) - sizeof block, sizeof block);
  return block;
}

bool NodeBlock::is_sparse() const {
  const uint64_t in_use = references_.count() - 1;
  return in_use > 0 && in_use * used_bytes_.load(kRelaxed) < uint64_t{places()} * bytes_ / 4;
}

void NodeBlock::release() const {
  if (!references_.release()) return;
  this->~NodeBlock();
  ::operator delete(const_cast<NodeBlock*>(this));
}

}  // namespace millrace::streams
