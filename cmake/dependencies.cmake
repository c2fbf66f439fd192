# Everything comes from Debian packages (run.sh and test.sh install them); nothing is downloaded or vendored.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBURING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(LZF REQUIRED IMPORTED_TARGET liblzf)
pkg_check_modules(LIBCRYPTO REQUIRED IMPORTED_TARGET libcrypto)
if(MILLRACE_JEMALLOC)
  pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
endif()
# For the examples and the end-to-end tests only.
pkg_check_modules(HIREDIS IMPORTED_TARGET hiredis)
