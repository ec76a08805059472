# A relocatable prefix: bin/graph-runner, lib/, lib/latentloom/plugins/, include/loom/, share/latentloom/{graphs,templates}/.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Latentloom)
# The public headers, and the source that every plugin compiles in.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/loom DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/framework/plugin/export.cpp DESTINATION share/latentloom)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/graphs ${PROJECT_SOURCE_DIR}/templates DESTINATION share/latentloom)
# The build tree has them in the same place: new-plugin and the names of shipped graphs work in both.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/latentloom)
foreach(folder graphs templates)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${PROJECT_BINARY_DIR}/share/latentloom/${folder} SYMBOLIC)
endforeach()
install(EXPORT LatentloomTargets NAMESPACE Latentloom:: DESTINATION ${package_folder})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/LatentloomConfig.cmake.in ${PROJECT_BINARY_DIR}/LatentloomConfig.cmake
                              INSTALL_DESTINATION ${package_folder} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/LatentloomConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/LatentloomConfig.cmake ${PROJECT_BINARY_DIR}/LatentloomConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/LatentloomPlugin.cmake DESTINATION ${package_folder})
