// Node: one listpack of stream entries, reference-counted, copied on write. Format: streams/listpack.h and node.cc.
#pragma once

#include "base/ref.h"
#include "streams/stream_id.h"

namespace millrace::streams {

class Node : public RefCounted<Node> {};

}  // namespace millrace::streams
