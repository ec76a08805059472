# Flags of every target of this project: warnings, and the sanitizer that was asked for.
add_library(latentloom_flags INTERFACE)
target_compile_options(latentloom_flags INTERFACE -Wall -Wextra -Wshadow=local -Wnon-virtual-dtor)
# A designated initializer leaves out what keeps its default.
target_compile_options(latentloom_flags INTERFACE -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  # False alarms inside of std::string's operator+ (GCC bug 105651).
  target_compile_options(latentloom_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A file of a unity build is an included one, whose classes may hold types of anonymous namespaces nevertheless.
  target_compile_options(latentloom_flags INTERFACE -Wno-subobject-linkage)
endif()
if(LATENTLOOM_SANITIZE STREQUAL "address")
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
elseif(LATENTLOOM_SANITIZE STREQUAL "thread")
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
endif()
target_compile_options(latentloom_flags INTERFACE ${sanitize})
target_link_options(latentloom_flags INTERFACE ${sanitize})
