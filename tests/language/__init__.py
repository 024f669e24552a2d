"""The language: what LANGUAGE.md says, each rule once obeyed and once broken."""
