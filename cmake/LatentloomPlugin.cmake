# loom_add_plugin(<name> SOURCES <file>...): a library of node and data set types that graph-runner can load.
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
