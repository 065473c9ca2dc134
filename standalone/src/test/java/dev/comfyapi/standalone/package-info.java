@org.jspecify.annotations.NullMarked
package dev.comfyapi.standalone;
