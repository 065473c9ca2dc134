@org.jspecify.annotations.NullMarked
package dev.comfyapi.artifact;
