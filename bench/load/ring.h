// Ring: an io_uring with a ring of buffers that the kernel receives into. One thread. Linux 6.0 or newer; what is
// missing ends the program.
#pragma once

#include <liburing.h>

#include <string_view>

namespace millrace::load {

class Ring {
 public:
  Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Hands over what was prepared and waits until something is complete; calls on_completion(const io_uring_cqe&) for
  // each.
  template <class OnCompletion>
  void turn(OnCompletion on_completion) {
    submit_and_wait();
    unsigned head;
    unsigned count = 0;
    io_uring_cqe* completion;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++count;
      on_completion(*completion);
    }
    io_uring_cq_advance(&ring_, count);
  }

  // For the caller to prepare. Never null.
  io_uring_sqe* next_submission();
  // Receives into any of the buffers, again and again.
  void prepare_receive(io_uring_sqe* submission, int fd);

  // What a receive put into its buffer, until that is given back.
  std::string_view received(const io_uring_cqe& completion) const;
  void give_back_buffer(const io_uring_cqe& completion);

 private:
  void set_up();
  void map_buffers();
  void submit_and_wait();
  void add_buffer(unsigned id);

  io_uring ring_{};
  io_uring_buf_ring* buffer_ring_ = nullptr;
  char* buffers_ = nullptr;
};

}  // namespace millrace::load
