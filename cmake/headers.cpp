// Empty: a target that makes a precompiled header for others needs a source file.
