// PushMessage: something the server says unasked, to many clients at once: a published message, an invalidation.
//
// In RESP2 it looks like a reply, so some messages are only for clients that expect one: those that listen to
// something. Its bytes are built once for each protocol that some receiver speaks, when the first such receiver turns
// up. One thread; lives as long as its delivery.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/buffer.h"
#include "resp/reply_writer.h"

namespace millrace::resp {

class PushMessage {
 public:
  // Empty if the message has no form in that protocol, or none for a client that does not listen: it gets nothing.
  std::string_view bytes(Protocol protocol, bool listens) {
    if (!listens && protocol == Protocol::kResp2 && is_for_listeners()) return {};
    Form& form = forms_[protocol == Protocol::kResp3 ? 1 : 0];
    if (!form.is_built) {
      ReplyWriter writer(form.bytes, protocol);
      write(writer);
      form.is_built = true;
    }
    return form.bytes.view();
  }
  // Of the longest form there is by now.
  size_t size() const { return std::max(forms_[0].bytes.size(), forms_[1].bytes.size()); }

 protected:
  PushMessage() = default;
  ~PushMessage() = default;
  virtual void write(ReplyWriter& writer) const = 0;
  virtual bool is_for_listeners() const { return false; }

 private:
  struct Form {
    Buffer bytes;
    bool is_built = false;
  };
  Form forms_[2];
};

}  // namespace millrace::resp
