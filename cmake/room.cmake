# A debug build would spend nearly half its time on reading the same headers for every file of a room. They are compiled
# once: those of the standard library for all rooms, and for a large room its own headers that nearly every file includes.
#
# A file that lacks an include compiles nevertheless then. A release build, and one with a launcher such as ccache, has
# none of this and finds such files; ccache would not keep what was compiled with a precompiled header.
set(MILLRACE_PRECOMPILES_ROOMS OFF)
if(CMAKE_BUILD_TYPE STREQUAL Debug AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(MILLRACE_PRECOMPILES_ROOMS ON)
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cc "")
  add_library(millrace_standard_headers OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
  target_precompile_headers(
    millrace_standard_headers
    PRIVATE <algorithm> <array> <atomic> <deque> <functional> <map> <memory> <optional> <set> <span> <string>
            <string_view> <unordered_map> <utility> <variant> <vector>)
endif()

# millrace_precompile(<target> [<header>...])
#
# Has the <header>s compiled once for all files of the target; without any, those of the standard library.
function(millrace_precompile target)
  if(NOT MILLRACE_PRECOMPILES_ROOMS)
    return()
  endif()
  if(ARGN)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM millrace_standard_headers)
  endif()
endfunction()

# millrace_room(<name> DIR <folder> LINKS <library>... [PRECOMPILES <header>...])
#
# Declares the static library <name> from all *.cc files of <folder> and publishes its headers as "<name>/...".
function(millrace_room name)
  cmake_parse_arguments(ROOM "" "DIR" "LINKS;PRECOMPILES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ROOM_DIR}/*.cc)
  set(view ${PROJECT_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${ROOM_DIR} ${view}/${name} SYMBOLIC)
  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${view})
    target_link_libraries(${name} PUBLIC ${ROOM_LINKS})
    millrace_precompile(${name} ${ROOM_PRECOMPILES})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${view})
    target_link_libraries(${name} INTERFACE ${ROOM_LINKS})
  endif()
endfunction()
