# latentloom_add_plugin(<name> <source>...): a library of node and data set types that graph-runner can load.
#
# Used for the standard nodes and, through find_package(Latentloom), for everybody else's.
set(LATENTLOOM_CMAKE_FOLDER ${CMAKE_CURRENT_LIST_DIR})

function(latentloom_add_plugin name)
  if(TARGET Latentloom::framework)
    set(framework Latentloom::framework)
    set(export_source ${LATENTLOOM_EXPORT_SOURCE})
  endif()
  add_library(${name} MODULE ${ARGN} ${export_source})
  target_link_libraries(${name} PRIVATE ${framework})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_definitions(${name} PRIVATE LOOM_PLUGIN_NAME="${name}")
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
