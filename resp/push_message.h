// PushMessage: something the server says unasked, to many clients at once: a published message, an invalidation.
//
// Its bytes are built once for each protocol that some receiver speaks, when the first such receiver turns up. One
// thread; lives as long as its delivery.
#pragma once

#include <string_view>

#include "base/buffer.h"
#include "resp/reply_writer.h"

namespace millrace::resp {

class PushMessage {
 public:
  // Empty if the message has no form in that protocol: the client gets nothing.
  std::string_view bytes(Protocol protocol) {
    Form& form = forms_[protocol == Protocol::kResp3 ? 1 : 0];
    if (!form.is_built) {
      ReplyWriter writer(form.bytes, protocol);
      write(writer);
      form.is_built = true;
    }
    return form.bytes.view();
  }

 protected:
  PushMessage() = default;
  ~PushMessage() = default;
  virtual void write(ReplyWriter& writer) const = 0;

 private:
  struct Form {
    Buffer bytes;
    bool is_built = false;
  };
  Form forms_[2];
};

}  // namespace millrace::resp
