// See block_reader.h.
#include "io/block_reader.h"

#include <system_error>
#include <utility>

namespace millrace::io {

BlockReader::BlockReader(Disk& disk, int fd, uint64_t begin, size_t block_bytes, bool ahead,
                         std::function<void()> besides)
    : disk_(disk), fd_(fd), besides_(std::move(besides)), offset_(begin) {
  for (Block& block : blocks_) block.bytes.resize(block_bytes);
  if (!ahead) return;
  blocks_[current_].is_filled = true;  // as if it had been given out
  try {
    thread_ = std::thread([this] { read_ahead(); });
  } catch (const std::system_error&) {  // the system has no room for it: next() reads
  }
}

BlockReader::~BlockReader() {
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::string_view BlockReader::next() {
  if (is_done_) return {};
  if (thread_.joinable()) {
    hand_over(blocks_[current_], false);
    current_ = 1 - current_;
    wait_until(blocks_[current_], true);
  } else {
    fill(blocks_[current_]);
  }
  const Block& block = blocks_[current_];
  is_done_ = block.count <= 0;
  if (block.count < 0) error_ = block.count;
  return is_done_ ? std::string_view() : std::string_view(block.bytes.data(), static_cast<size_t>(block.count));
}

void BlockReader::fill(Block& block) {
  block.count = read_fully(disk_, fd_, static_cast<int64_t>(offset_), block.bytes.data(), block.bytes.size());
  if (block.count > 0) offset_ += static_cast<uint64_t>(block.count);
}

// Of the thread.
void BlockReader::read_ahead() {
  for (size_t i = 0;; i = 1 - i) {
    Block& block = blocks_[i];
    if (!wait_until(block, false)) return;
    fill(block);
    const bool is_full = block.count == static_cast<int64_t>(block.bytes.size());
    const bool is_last = block.count <= 0;
    hand_over(block, true);
    if (is_last) return;
    if (is_full && besides_) besides_();
  }
}

void BlockReader::hand_over(Block& block, bool filled) {
  {
    const MutexLock lock(mutex_);
    block.is_filled = filled;
  }
  changed_.notify_one();
}

// False if there is nothing to wait for any more. The analysis cannot follow a condition variable that lets go of the
// lock and takes it again.
bool BlockReader::wait_until(const Block& block, bool filled) NO_THREAD_SAFETY_ANALYSIS {
  const MutexLock lock(mutex_);
  while (block.is_filled != filled && !is_ending_) changed_.wait(mutex_);
  return !is_ending_;
}

}  // namespace millrace::io
