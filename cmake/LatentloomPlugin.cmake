# loom_add_plugin(<name> SOURCES <file>...): a library of types (nodes, data sets, optimizers, schedules) that graph-runner can load.
# loom_add_plugin_test(<name> PLUGIN <plugin> SOURCES <file>... [LIBRARIES <target>...]): a program that ctest runs. It
# has the plugin's library as its argument, as loom/check.h expects it, unless a test library brings its own
# main(); and as PLUGIN_FILE, with the folder of its sources as TEST_FOLDER.
#
# Used for the standard nodes and, through find_package(Latentloom), for everybody else's. Only loom_plugin() is visible
# in it, and its symbols are not unique: a library that was rebuilt can be opened beside its predecessor, and closed.
set(LATENTLOOM_CMAKE_FOLDER ${CMAKE_CURRENT_LIST_DIR})

function(loom_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 plugin "" "" "SOURCES")
  if(NOT plugin_SOURCES OR plugin_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "loom_add_plugin(${name}): got '${ARGN}', expected SOURCES <file>...")
  endif()
  if(TARGET Latentloom::framework)
    set(framework Latentloom::framework)
    set(export_source ${LATENTLOOM_EXPORT_SOURCE})
  endif()
  add_library(${name} MODULE ${plugin_SOURCES} ${export_source})
  target_link_libraries(${name} PRIVATE ${framework})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_compile_definitions(${name} PRIVATE LOOM_PLUGIN_NAME="${name}")
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

function(loom_add_plugin_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "" "PLUGIN" "SOURCES;LIBRARIES")
  if(NOT test_PLUGIN OR NOT test_SOURCES OR test_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "loom_add_plugin_test(${name}): got '${ARGN}', expected PLUGIN <plugin> SOURCES <file>... "
                        "[LIBRARIES <target>...]")
  endif()
  list(GET test_SOURCES 0 folder)
  cmake_path(GET folder PARENT_PATH folder)
  cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE Latentloom::framework ${test_LIBRARIES})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_definitions(${name} PRIVATE PLUGIN_FILE="$<TARGET_FILE:${test_PLUGIN}>" TEST_FOLDER="${folder}")
  add_dependencies(${name} ${test_PLUGIN})
  if("Boost::unit_test_framework" IN_LIST test_LIBRARIES)
    target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK)
  endif()
  if(test_LIBRARIES)
    add_test(NAME ${name} COMMAND ${name})
  else()
    add_test(NAME ${name} COMMAND ${name} $<TARGET_FILE:${test_PLUGIN}>)
  endif()
endfunction()
