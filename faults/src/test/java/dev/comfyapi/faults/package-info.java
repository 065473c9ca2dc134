@org.jspecify.annotations.NullMarked
package dev.comfyapi.faults;
