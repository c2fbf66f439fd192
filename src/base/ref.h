// RefCounted and Ref<T>: intrusive reference counting for objects that several cores may hold.
//
// The count is atomic; what it protects is only the object's life. A T derives from RefCounted<T> and is made with
// Ref<T>::make(...). The last Ref deletes it on whatever thread it lies. ReferenceCount is the count alone, for objects
// that are freed in a way of their own.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace millrace {

class ReferenceCount {
 public:
  ReferenceCount() = default;
  // A copy of an object begins with one reference, whatever the original has.
  ReferenceCount(const ReferenceCount&) {}
  ReferenceCount& operator=(const ReferenceCount&) = delete;

  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  // True if that was the last one: the caller frees the object.
  [[nodiscard]] bool release() const { return is_unique() || references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  // True if the caller's reference is the only one: nobody else can see the object, so it may be changed.
  bool is_unique() const { return count() == 1; }
  // Others may retain and release meanwhile.
  uint32_t count() const { return references_.load(std::memory_order_acquire); }

 private:
  mutable std::atomic<uint32_t> references_{1};
};

template <typename T>
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const { references_.retain(); }
  void release() const {
    if (references_.release()) delete static_cast<const T*>(this);
  }
  bool is_unique() const { return references_.is_unique(); }

 protected:
  ~RefCounted() = default;

 private:
  ReferenceCount references_;
};

template <typename T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT: implicit by design
  explicit Ref(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  // Takes over the reference that a new object begins with.
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  template <typename... Arguments>
  static Ref make(Arguments&&... arguments) {
    return adopt(new T(std::forward<Arguments>(arguments)...));
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
  Ref(const Ref<U>& other) : Ref(static_cast<T*>(other.get())) {}  // NOLINT: derived to base
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace millrace
