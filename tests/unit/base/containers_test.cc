// Buffer, IntrusiveList, Ref, Result, Random and Mutex.
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/ref.h"
#include "base/result.h"

namespace millrace {
namespace {

TEST(Buffer, BehavesLikeAStringAtRandom) {
  constexpr uint64_t kSeed = 3;
  Random random(kSeed);
  Buffer buffer;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    const size_t count = random.below(300);
    switch (random.below(5)) {
      case 0: {
        char* room = buffer.reserve(count);
        for (size_t k = 0; k < count; ++k) room[k] = static_cast<char>(i);
        buffer.commit(count / 2);
        model.append(count / 2, static_cast<char>(i));
        break;
      }
      case 1:
        buffer.append(std::string(count, 'a'));
        model.append(count, 'a');
        break;
      case 2:
        buffer.consume(std::min(count, model.size()));
        model.erase(0, count);
        break;
      case 3:
        if (count > model.size()) break;
        buffer.truncate(model.size() - count);
        model.resize(model.size() - count);
        break;
      default:
        if (!random.one_in(50)) break;
        random.one_in(2) ? buffer.clear() : buffer.release();
        model.clear();
    }
    ASSERT_EQ(buffer.view(), model) << "seed " << kSeed << " step " << i;
    ASSERT_EQ(buffer.empty(), model.empty());
  }
}

TEST(Buffer, MovesAndSwapsItsBytes) {
  Buffer first;
  first.append("first");
  Buffer second(std::move(first));
  EXPECT_EQ(second.view(), "first");
  first = Buffer();
  first.append("again");
  first.swap(second);
  EXPECT_EQ(first.view(), "first");
  EXPECT_EQ(second.view(), "again");
  second = std::move(first);
  EXPECT_EQ(second.view(), "first");
  second.append("");
  EXPECT_EQ(second.size(), 5u);
  second.release();
  EXPECT_EQ(second.capacity(), 0u);
}

TEST(Buffer, GrowsGeometrically) {
  Buffer buffer;
  size_t growths = 0;
  for (size_t i = 0; i < 1'000'000; ++i) {
    const size_t before = buffer.capacity();
    buffer.append("x");
    growths += before != buffer.capacity() ? 1 : 0;
  }
  EXPECT_LT(growths, 30u);
}

struct Element {
  explicit Element(int number) : value(number) {}
  int value;
  ListLink link;
  ListLink other_link;
};
using List = IntrusiveList<Element, &Element::link>;

std::vector<int> values_of(const List& list) {
  std::vector<int> values;
  for (Element* element = list.front(); element; element = list.next(*element)) values.push_back(element->value);
  return values;
}

TEST(IntrusiveList, KeepsOrderAtRandom) {
  constexpr uint64_t kSeed = 5;
  Random random(kSeed);
  std::vector<std::unique_ptr<Element>> elements;
  for (int i = 0; i < 20; ++i) elements.push_back(std::make_unique<Element>(i));
  List list;
  std::list<int> model;
  for (int i = 0; i < 5000; ++i) {
    Element& element = *elements[random.below(elements.size())];
    if (element.link.is_linked()) {
      element.link.unlink();
      model.remove(element.value);
    } else {
      list.push_back(element);
      model.push_back(element.value);
    }
    if (!model.empty() && random.one_in(8)) {
      ASSERT_EQ(list.back()->value, model.back());
      ASSERT_EQ(list.pop_front()->value, model.front());
      model.pop_front();
    }
    ASSERT_EQ(values_of(list), std::vector<int>(model.begin(), model.end())) << "seed " << kSeed << " step " << i;
    ASSERT_EQ(list.empty(), model.empty());
  }
  while (list.pop_front()) continue;
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
}

TEST(IntrusiveList, AnElementMayBeInOneListPerLink) {
  Element element(1);
  List list;
  IntrusiveList<Element, &Element::other_link> other_list;
  list.push_back(element);
  other_list.push_back(element);
  list.pop_front();
  EXPECT_FALSE(element.link.is_linked());
  EXPECT_EQ(other_list.pop_front(), &element);
}

struct Polymorphic {
  virtual ~Polymorphic() = default;
  virtual int value() const = 0;
  ListLink link;
};
struct Derived : Element, Polymorphic {
  explicit Derived(int number) : Element(number) {}
  int value() const override { return Element::value; }
};

TEST(IntrusiveList, FindsTheOwnerOfALinkInAnyKindOfClass) {
  Derived first(1);
  Derived second(2);
  IntrusiveList<Polymorphic, &Polymorphic::link> list;
  list.push_back(first);
  list.push_back(second);
  EXPECT_EQ(list.next(first)->value(), 2);
  EXPECT_EQ(list.pop_front()->value(), 1);
  EXPECT_EQ(list.pop_front()->value(), 2);
}

struct Base {
  int base = 1;
};
struct Counted : Base, RefCounted<Counted> {
  explicit Counted(int& deaths_counter) : deaths(deaths_counter) {}
  ~Counted() { ++deaths; }
  int& deaths;
};

TEST(Ref, DeletesWithTheLastReference) {
  int deaths = 0;
  Ref<Counted> first = Ref<Counted>::make(deaths);
  EXPECT_TRUE(first->is_unique());
  Ref<Counted> second = first;
  EXPECT_EQ(first, second);
  EXPECT_FALSE(first->is_unique());
  first = nullptr;
  EXPECT_FALSE(first);
  EXPECT_TRUE(second->is_unique());
  Ref<Counted> third(second.get());
  second = std::move(third);
  EXPECT_FALSE(third);
  EXPECT_EQ(deaths, 0);
  const Ref<Counted>& same = second;
  second = same;
  EXPECT_EQ(deaths, 0);
  second = Ref<Counted>();
  EXPECT_EQ(deaths, 1);
}

TEST(Ref, ConvertsToConst) {
  int deaths = 0;
  {
    Ref<Counted> mine = Ref<Counted>::make(deaths);
    Ref<const Counted> theirs(mine);
    EXPECT_FALSE(mine->is_unique());
    mine = nullptr;
    EXPECT_EQ(theirs->base, 1);
  }
  EXPECT_EQ(deaths, 1);
}

TEST(Ref, CountsAcrossThreads) {
  int deaths = 0;
  Ref<Counted> shared = Ref<Counted>::make(deaths);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = shared] {
      for (int i = 0; i < 1000; ++i) Ref<Counted> brief = copy;
    });
  }
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  EXPECT_TRUE(shared->is_unique());
  shared = nullptr;
  EXPECT_EQ(deaths, 1);
}

enum class Trouble { kSmall, kLarge };

TEST(Result, IsAValueOrAnError) {
  Result<std::string, Trouble> good(std::string("fine"));
  EXPECT_TRUE(good.ok());
  EXPECT_TRUE(static_cast<bool>(good));
  EXPECT_EQ(*good, "fine");
  EXPECT_EQ(good->size(), 4u);
  const Result<std::string, Trouble> bad(Trouble::kLarge);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error(), Trouble::kLarge);
  Result<std::unique_ptr<int>, Trouble> owner(std::make_unique<int>(7));
  EXPECT_EQ(*std::move(*owner), 7);
}

TEST(ResultDeathTest, ReadingTheWrongHalfIsABug) {
  const Result<int, Trouble> bad(Trouble::kSmall);
  const Result<int, Trouble> good(1);
  EXPECT_DEATH(static_cast<void>(bad.value()), "CHECK failed");
  EXPECT_DEATH(static_cast<void>(good.error()), "CHECK failed");
}

TEST(Random, RepeatsFromItsSeedAndIsFair) {
  Random first(42);
  Random second(42);
  Random other(43);
  int differences = 0;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = first.next();
    EXPECT_EQ(value, second.next());
    differences += value != other.next() ? 1 : 0;
  }
  EXPECT_GT(differences, 95);
  std::vector<int> hits(10);
  for (int i = 0; i < 100'000; ++i) ++hits[first.below(10)];
  for (const int count : hits) {
    EXPECT_GT(count, 9500);
    EXPECT_LT(count, 10'500);
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(first.below(1), 0u);
}

class Counter {
 public:
  void add() {
    MutexLock lock(mutex_);
    ++count_;
  }
  int count() {
    MutexLock lock(mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  int count_ GUARDED_BY(mutex_) = 0;
};

TEST(Mutex, LetsOneThreadInAtATime) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&counter] {
      for (int i = 0; i < 20'000; ++i) counter.add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.count(), 80'000);
}

}  // namespace
}  // namespace millrace
