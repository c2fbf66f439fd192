add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wvla -Werror
                    -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # libstdc++ 12 implements stable_sort with a function that newer language standards deprecate; clang reports that use.
  add_compile_options(-Wthread-safety -Wthread-safety-beta -Wno-deprecated-declarations)
endif()
if(MILLRACE_SANITIZERS)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZERS} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLRACE_SANITIZERS})
endif()
if(MILLRACE_FUZZERS)
  # Coverage counters everywhere; the fuzzers themselves link libFuzzer's main function.
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
