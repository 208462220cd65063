# For CMake ports: USER_C_MODULES=.../firmware/micropython.cmake.
include(${CMAKE_CURRENT_LIST_DIR}/tlsresume/micropython.cmake)
