// IntrusiveList<T, &T::link>: a doubly linked list whose links live in the elements.
//
// The list owns nothing. An element is in at most one list per link, leaves it in O(1), and must have left it before
// it dies. One thread at a time, or under one lock.
#pragma once

#include "base/check.h"

namespace millrace {

struct ListLink {
  ListLink* previous = nullptr;
  ListLink* next = nullptr;

  bool is_linked() const { return next != nullptr; }
  void unlink() {
    DCHECK(is_linked());
    previous->next = next;
    next->previous = previous;
    previous = next = nullptr;
  }

  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { DCHECK(!is_linked()); }
};

template <typename T, ListLink T::*kLink>
class IntrusiveList {
 public:
  IntrusiveList() { head_.previous = head_.next = &head_; }
  ~IntrusiveList() {
    DCHECK(empty());
    head_.previous = head_.next = nullptr;
  }

  bool empty() const { return head_.next == &head_; }
  T* front() const { return empty() ? nullptr : owner(head_.next); }
  T* back() const { return empty() ? nullptr : owner(head_.previous); }
  // The element behind `element`, or nullptr at the end.
  T* next(T& element) const {
    ListLink* link = (element.*kLink).next;
    return link == &head_ ? nullptr : owner(link);
  }

  void push_back(T& element) { insert_before(head_, element.*kLink); }
  T* pop_front() {
    T* element = front();
    if (element) (element->*kLink).unlink();
    return element;
  }

 private:
  static void insert_before(ListLink& place, ListLink& link) {
    DCHECK(!link.is_linked());
    link.previous = place.previous;
    link.next = &place;
    place.previous->next = &link;
    place.previous = &link;
  }
  static T* owner(ListLink* link) {
    // The distance of the link inside T, taken from a non-null fake address; T need not be standard layout.
    alignas(T) static char fake[sizeof(T)];
    T* object = reinterpret_cast<T*>(fake);
    const auto distance = reinterpret_cast<char*>(&(object->*kLink)) - fake;
    return reinterpret_cast<T*>(reinterpret_cast<char*>(link) - distance);
  }

  ListLink head_;
};

}  // namespace millrace
