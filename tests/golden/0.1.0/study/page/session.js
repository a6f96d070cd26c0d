window.STUDY_SESSION = null;
