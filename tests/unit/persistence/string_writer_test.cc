// A string that is written in slices is what it is when it is written at once.
#include "persistence/string_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"
#include "persistence/byte_reader.h"

namespace millrace::persistence {
namespace {

std::string text_of_size(size_t size, uint64_t letters, uint64_t seed) {
  Random random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.below(letters));
  return text;
}

TEST(StringWriterTest, SlicesMakeTheWhole) {
  for (const size_t size : {0, 5, 21, 65'535, 65'536, 65'537, 300'000}) {
    for (const uint64_t letters : {1, 3, 256}) {
      for (const bool compress : {false, true}) {
        SCOPED_TRACE(std::to_string(size) + " bytes of " + std::to_string(letters) + (compress ? ", packed" : ""));
        const std::string text = text_of_size(size, letters, size);
        Buffer whole;
        RdbEncoder(whole, compress).string(text);
        Buffer sliced;
        RdbEncoder encoder(sliced, compress);
        StringWriter writer(text);
        size_t slices = 1;
        while (!writer.advance(encoder, 10'000)) ++slices;
        EXPECT_EQ(sliced.view(), whole.view());
        EXPECT_EQ(slices > 1, size > LzfPacker::kPieceMax);
        WholeSource source(sliced.view());
        EXPECT_EQ(ByteReader(source).string(), text);
      }
    }
  }
}

}  // namespace
}  // namespace millrace::persistence
